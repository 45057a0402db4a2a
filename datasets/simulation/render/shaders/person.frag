// A person's skin and clothes.
#include moving.glsl

in vec2 uv;
in float light;
in vec2 motion;
flat in float layer;

uniform sampler2DArray clothes;

void main() {
    hide_behind_still();
    vec4 cloth = texture(clothes, vec3(uv, layer));
    if (cloth.a < 0.4) discard;
    send(cloth.rgb * cloth.rgb * light, motion);
}
