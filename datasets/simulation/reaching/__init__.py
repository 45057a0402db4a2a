"""Short clips of hands at shelves of a simulated shop: data of the reach model.

Only the moments around gestures are drawn, on 128 pixels square, which costs a twentieth of filming whole runs.
"""
