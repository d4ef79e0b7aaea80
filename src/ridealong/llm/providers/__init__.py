"""Adapters of the model seam, imported on use."""
