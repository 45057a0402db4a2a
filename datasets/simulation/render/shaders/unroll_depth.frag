// The nearest distance ahead of each quarter of a pixel, as NEAR / distance.
uniform sampler2D flat_depth;
uniform sampler2D flat_place;

in vec2 place;
out float nearness;

void main() {
    ivec2 pixel = clamp(ivec2(texture(flat_place, place).xy), ivec2(0), textureSize(flat_depth, 0) - 1);
    nearness = 1.0 - texelFetch(flat_depth, pixel, 0).r;
}
