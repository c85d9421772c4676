"""Helpers that know nothing of centers and could be published on their own.

Each foreign library that others would otherwise meet in many places is wrapped here once. Nothing in
this folder imports anything of ours.
"""
