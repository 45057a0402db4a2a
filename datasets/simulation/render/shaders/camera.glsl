// From the shop straight into the distorted picture: cameras.geometry's model, at every vertex.
const float NEAR = 0.15;  // metres; the window's depth is 1 - NEAR / distance ahead

uniform mat3 turn;        // shop to camera axes: x right, y down, z ahead
uniform vec3 eye;         // the camera in the shop, metres
uniform vec4 lens;        // scale and offset from the plane z = 1 to -1..1 over the picture
uniform vec4 bend;        // k1, k2, p1, p2
uniform vec2 bend_end;    // k3, and the radius up to which the lens model grows

// Rows run down as they are read back, so y is not turned round and fronts wind clockwise.
vec4 in_picture(vec3 point) {
    vec3 local = turn * (point - eye);
    vec2 plane = local.xy / max(local.z, NEAR);
    float radius = length(plane);
    vec2 held = plane * min(1.0, bend_end.y / max(radius, 1e-12));
    float s = dot(held, held);
    float factor = 1.0 + s * (bend.x + s * (bend.y + s * bend_end.x));
    vec2 tangential = vec2(2.0 * bend.z * held.x * held.y + bend.w * (s + 2.0 * held.x * held.x),
                           bend.z * (s + 2.0 * held.y * held.y) + 2.0 * bend.w * held.x * held.y);
    // Not divided by the distance: a triangle that reaches behind the camera must be cut where it meets the near plane.
    vec2 bent = local.xy * factor + tangential * local.z;
    return vec4(bent * lens.xy + lens.zw * local.z, local.z - 2.0 * NEAR, local.z);
}
