"""The published language: what one service may tell another. No IO, and no word of any service's inside."""
