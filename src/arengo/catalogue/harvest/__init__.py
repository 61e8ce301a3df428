"""Metadata of other catalogues, taken in as records: read, told apart by origin, compared, swapped in one step."""
