// PCG hash (Jarzynski and Olano 2020, "Hash Functions for GPU Rendering"): the same bits on every renderer.
uint hashed(uint v) {
    uint state = v * 747796405u + 2891336453u;
    uint word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

float unit(uint v) { return float(v >> 8u) * (1.0 / 16777216.0); }

// Near to a normal deviate: the sum of four bytes, made to mean 0 and variance 1.
float normal_of(uint v) {
    uvec2 pairs = (uvec2(v, v >> 8u) & 0x00ff00ffu);
    uint sum = pairs.x + pairs.y;
    return (float((sum & 0xffffu) + (sum >> 16u)) - 510.0) * (1.0 / 147.8);
}
