// Placed copies of a mesh, as a camera sees them; with their motion in pixels where they move.
#include camera.glsl

in vec3 in_at;
in vec3 in_normal;
in vec2 in_uv;
in mat4 in_pose;
in vec4 in_colour;
in vec2 in_layer;      // layer and shade
#ifdef MOVING
in mat4 in_before;     // the pose when the shutter opened
uniform vec2 travel;   // half the picture, pixels
out vec2 motion;
#endif

invariant gl_Position;   // so that what is drawn twice meets its own depth

out vec3 at;
out vec3 normal;
out vec3 local;
out vec2 uv;
flat out vec4 colour;
flat out int layer;
flat out float shade;

void main() {
    mat3 axes = mat3(in_pose);
    vec3 squared = vec3(dot(axes[0], axes[0]), dot(axes[1], axes[1]), dot(axes[2], axes[2]));
    normal = normalize(axes * (in_normal / squared));
    at = (in_pose * vec4(in_at, 1.0)).xyz;
    local = in_at;
    uv = in_uv;
    colour = in_colour;
    layer = int(round(in_layer.x));
    shade = in_layer.y;
    gl_Position = in_picture(at);
#ifdef MOVING
    vec4 first = in_picture((in_before * vec4(in_at, 1.0)).xyz);
    motion = first.w > NEAR ? (gl_Position.xy / gl_Position.w - first.xy / first.w) * travel : vec2(0.0);
#endif
}
