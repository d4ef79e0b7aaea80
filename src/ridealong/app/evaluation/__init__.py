"""`ridealong moments eval`: how well the live path judges calls whose moments a person has marked."""
