"""Pictures of the simulated shop, drawn by OpenGL on a CPU or a GPU."""
