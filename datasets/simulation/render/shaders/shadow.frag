// How much of the ceiling's light a person keeps from the floor: spots under the feet, a body's wide shade, and a long
// soft shadow away from each of the nearest panels. The value is an optical depth.
uniform vec3 feet[2];       // x, y, height
uniform vec2 body;
uniform vec4 lamps[4];      // the shadow's tip x, y, half its width, strength

in vec2 ground;
out float depth;

void main() {
    float sum = 0.0;
    for (int i = 0; i < 2; i++) {
        vec2 from = (ground - feet[i].xy) / (0.11 + 0.5 * feet[i].z);
        sum += 0.9 * exp(-dot(from, from)) * max(0.0, 1.0 - 3.0 * feet[i].z);
    }
    vec2 from = (ground - body) / 0.36;
    sum += 0.34 * exp(-dot(from, from));
    for (int i = 0; i < 4; i++) {
        vec2 along = lamps[i].xy - body;
        float share = clamp(dot(ground - body, along) / max(dot(along, along), 1e-4), 0.0, 1.0);
        vec2 aside = ground - body - share * along;
        float wide = lamps[i].z * (0.75 + 1.1 * share);
        sum += lamps[i].w * (1.0 - 0.8 * share) * exp(-dot(aside, aside) / (wide * wide));
    }
    depth = sum * 0.7;
}
