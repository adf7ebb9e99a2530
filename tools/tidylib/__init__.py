"""The rules behind tools/tidy, one file each."""
