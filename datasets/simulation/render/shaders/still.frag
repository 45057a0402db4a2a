// The still shop: colour as the root of half its linear light, and in alpha whether people cast shadows on it.
#include surface.glsl

in vec3 at;
in vec3 normal;
in vec3 local;
in vec2 uv;
flat in vec4 colour;
flat in int layer;
flat in float shade;

uniform vec3 eye;

out vec4 pixel;

void main() {
    vec3 towards = normalize(eye - at);
    vec3 n = normalize(normal);
    if (dot(n, towards) < 0.0) n = -n;
    vec3 light = surface(at, n, local, uv, colour, layer, shade, towards, true);
    pixel = vec4(sqrt(clamp(light * 0.5, 0.0, 1.0)), layer == FLOOR_TILES ? 1.0 : 0.0);
}
