"""The measurements of `ridealong bench`, one module each."""
