"""The screens: one folder each, with its view and its templates."""
