// What people hold, carry and push.
#include moving.glsl
#include surface.glsl

in vec3 at;
in vec3 normal;
in vec3 local;
in vec2 uv;
in vec2 motion;
flat in vec4 colour;
flat in int layer;
flat in float shade;

uniform vec3 eye;

void main() {
    hide_behind_still();
    vec3 towards = normalize(eye - at);
    vec3 n = normalize(normal);
    if (dot(n, towards) < 0.0) n = -n;
    send(surface(at, n, local, uv, colour, layer, shade, towards, false), motion);
}
