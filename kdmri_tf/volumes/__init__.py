"""Files of volumes: opened, checked, read slice by slice, written."""
