// Depth along one direction of the sky's light.
in vec3 in_at;
in mat4 in_pose;

uniform mat4 view;     // shop to the map: 0..1 across, down and in depth
uniform vec2 tile;

void main() {
    vec3 place = (view * in_pose * vec4(in_at, 1.0)).xyz;
    gl_Position = vec4((tile + place.xy) / 2.0 - 1.0, place.z * 2.0 - 1.0, 1.0);
}
