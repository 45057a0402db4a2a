// Linear blend skinning, once for all cameras: where each vertex is, where it was when the shutter opened, its light.
#include light.glsl

const int BONES = 64;

in vec3 in_at;
in vec3 in_normal;
in uvec4 in_bones;
in vec4 in_weights;

uniform vec4 now[3 * BONES];      // rows of the matrices from rest to shop
uniform vec4 before[3 * BONES];

out vec3 out_at;
out vec3 out_before;
out float out_light;

void main() {
    vec4 rest = vec4(in_at, 1.0);
    vec4 x = vec4(0.0), y = vec4(0.0), z = vec4(0.0), u = vec4(0.0), v = vec4(0.0), w = vec4(0.0);
    for (int i = 0; i < 4; i++) {
        int row = 3 * int(in_bones[i]);
        float share = in_weights[i];
        x += share * now[row];
        y += share * now[row + 1];
        z += share * now[row + 2];
        u += share * before[row];
        v += share * before[row + 1];
        w += share * before[row + 2];
    }
    out_at = vec3(dot(x, rest), dot(y, rest), dot(z, rest));
    out_before = vec3(dot(u, rest), dot(v, rest), dot(w, rest));
    vec3 n = normalize(vec3(dot(x.xyz, in_normal), dot(y.xyz, in_normal), dot(z.xyz, in_normal)));
    float seen = 0.0;
    for (int i = 0; i < SKY; i += 4) {
        float facing = 4.0 * sky_light[i].w * max(dot(n, sky_light[i].xyz) * 0.9 + 0.1, 0.0);
        seen += facing * mix(0.4, 1.0, seen_from(i, out_at + 0.04 * n));
    }
    float low = mix(0.75, 1.0, smoothstep(0.0, 0.9, out_at.z));
    out_light = (seen + 0.26 - 0.10 * n.z) * panels_at(out_at.xy) * low;
}
