"""The catalogue of public requests: how they are listed, counted by facet, searched and ordered.

``words`` is the full-text index that the database keeps; ``snapshot`` holds the narrow columns of every listed request in memory
and is brought up to date by the number of the last change; ``wanted`` is the state of a page, which is its address; ``find``
puts the three together. Nothing that is not public has a row here.
"""
