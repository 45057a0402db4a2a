// A piece of the floor round a person, fine enough to follow the lens.
#include camera.glsl

uniform vec4 piece;    // middle and half its sides, metres

out vec2 ground;

void main() {
    const int SIDE = 8;
    int cell = gl_VertexID / 6, corner = gl_VertexID % 6;
    ivec2 step = ivec2(corner == 1 || corner == 3 || corner == 4 ? 1 : 0, corner == 2 || corner == 4 || corner == 5 ? 1 : 0);
    vec2 share = vec2(ivec2(cell % SIDE, cell / SIDE) + step) / float(SIDE) * 2.0 - 1.0;
    ground = piece.xy + share * piece.zw;
    gl_Position = in_picture(vec3(ground, 0.0));
}
