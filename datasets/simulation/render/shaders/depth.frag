// Depth alone, for the maps of the sky.
void main() {}
