"""The simulated store: what its ceiling cameras would see, and the truth of it.

A plan, a scenario and a seed make a timeline (numbers only); a renderer and sensors make pictures of it.
"""
