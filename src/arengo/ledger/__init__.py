"""What happened: the append-only, provable record. Stands beside the street.

May import: state, contract, settings, errors.
"""
