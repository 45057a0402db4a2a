// What moves is drawn twice as fine as the picture, where no part of the still shop is before it.
uniform sampler2D still_nearness;
uniform float id;      // what the mask says, over 255

layout(location = 0) out vec4 pixel;   // root of half the linear light, and cover
layout(location = 1) out vec4 mark;    // motion over 64 pixels, from the middle of the range; id

void hide_behind_still() {
    float nearest = texelFetch(still_nearness, ivec2(gl_FragCoord.xy), 0).r;
    if (1.0 - gl_FragCoord.z < nearest - 0.00006 - 0.008 * nearest * nearest / 0.15) discard;
}

void send(vec3 light, vec2 motion) {
    pixel = vec4(sqrt(clamp(light * 0.5, 0.0, 1.0)), 1.0);
    mark = vec4(clamp(motion / 64.0 + 128.0 / 255.0, 0.0, 1.0), id, 1.0);
}
