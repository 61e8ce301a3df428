"""The project's own measuring kit: the same civic data and requests against Arengo and its peers, in one run.

``python -m bench`` from the repository's root; see README.md. Nothing here is imported by the product.
"""
