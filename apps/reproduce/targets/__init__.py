"""What is reproduced, one file each: tables, figures and theorems, by name in `NAMES`."""
