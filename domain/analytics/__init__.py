"""Figures from the history: pure algorithms on what one unit did, and on what many units add up to."""
