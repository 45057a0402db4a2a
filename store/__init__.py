"""The shop itself: its plan, its settings, its event types, the bus that carries events and the records that keep them.

Imports nothing of ours. Every other folder may import it.
"""
