"""Runs networks in each format; a format's library is imported only when a file of it is opened."""
