"""Measurements: `ridealong bench`. Figures come with the machine they were seen on; ratios travel better."""
