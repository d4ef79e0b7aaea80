"""`python -m ridealong.app.build`: build the local models from the packages' weights. Run once by `make setup`."""
