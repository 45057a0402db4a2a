"""Networks, the runtimes that run them and the registry of weights.

Importing this folder loads no runtime; a runtime is imported when a network is opened.
"""
