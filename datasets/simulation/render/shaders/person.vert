// A skinned person as a camera sees it, with its motion in pixels while the shutter is open.
#include camera.glsl

in vec3 in_at;
in vec3 in_before;
in float in_light;
in vec2 in_uv;
in float in_layer;

uniform vec2 travel;

out vec2 uv;
out float light;
out vec2 motion;
flat out float layer;

void main() {
    gl_Position = in_picture(in_at);
    vec4 first = in_picture(in_before);
    motion = first.w > NEAR ? (gl_Position.xy / gl_Position.w - first.xy / first.w) * travel : vec2(0.0);
    uv = in_uv;
    light = in_light;
    layer = in_layer;
}
