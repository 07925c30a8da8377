"""Metrics over volumes, tables and figures."""
