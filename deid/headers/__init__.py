"""Header cleaning: actions by PS3.15 Table E.1-1, dates, identifiers, private elements, marks."""
