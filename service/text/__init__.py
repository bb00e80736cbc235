"""Reads an ad's texts as a person would: normalised views with spans back to the original, URLs, language, groups.

Between the contracts and the rules and the classifier; knows neither.
"""
