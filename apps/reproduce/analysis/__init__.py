"""What the paper's analysis computes, apart from how it is shown: one quantity a file."""
