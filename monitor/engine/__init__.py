"""Where time passes: scheduler, runner, pipeline, vitals, lifecycle.

The engine asks the core what to believe and when to look next, and does it. It knows no probe, no output
and no file format by name: they are handed to it by the app.
"""
