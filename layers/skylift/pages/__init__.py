"""Pages for people, of HTML and SVG alone: the model card and the report on drift."""
