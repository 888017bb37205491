"""What the apps share: settings and flags, building, recording, quality, tables, plots."""
