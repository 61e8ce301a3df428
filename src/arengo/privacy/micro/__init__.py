"""Single values made less telling: microaggregation, PRAM, bounds, rounding, another order of rows.

In: arrays of a column's values. Out: new values of the same shape. Promise: what looks random is drawn from a key of
the city, so it is the same at the next publication and nobody else can work it out.
"""
