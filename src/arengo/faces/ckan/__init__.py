"""CKAN Action API 3, the read part: what harvesters and clients of CKAN call, answered from records and the door."""
