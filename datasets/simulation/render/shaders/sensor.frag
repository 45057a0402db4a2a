// What the camera makes of the light: people over the still shop, exposure, noise, tone. Blue, green, red and the mask.
#include hash.glsl

uniform sampler2D still;
uniform sampler2D shadow;
uniform vec3 gain;          // light, exposure and white balance, as linear factors
uniform vec4 look;          // softness in pixels, halo, vignetting, saturation
uniform vec3 grain;         // standard deviation of the dark and of full white, share of colour noise
uniform uint key;

in vec2 place;
out vec4 picture;

vec3 squared(vec3 c) { return c * c; }

#ifdef MOVING
uniform sampler2D moving;
uniform sampler2D marks;

vec2 motion_near(ivec2 fine) {
    vec2 found = vec2(0.0);
    float most = 0.0;
    // In the middle, 2.5 and 6 pixels away: a smear is wider than what moves.
    const ivec2 SIDES[9] = ivec2[9](ivec2(0), ivec2(-5, 0), ivec2(5, 0), ivec2(0, -5), ivec2(0, 5),
                                    ivec2(-12, 0), ivec2(12, 0), ivec2(0, -12), ivec2(0, 12));
    for (int i = 0; i < 9; i++) {
        ivec2 side = SIDES[i];
        vec4 mark = texelFetch(marks, clamp(fine + side, ivec2(0), textureSize(marks, 0) - 1), 0);
        vec2 motion = mark.a > 0.0 ? (mark.xy - 0.501961) * 64.0 : vec2(0.0);
        float size = dot(motion, motion);
        if (size > most) { most = size; found = motion; }
    }
    return found;
}

// Premultiplied light of what moves, and its cover.
vec4 layer_at(vec2 where) {
    vec4 found = texture(moving, where);
    return vec4(found.rgb * found.rgb / max(found.a, 0.01), found.a);
}

vec4 moving_light(out float id) {
    ivec2 fine = ivec2(gl_FragCoord.xy) * 2;
    vec4 a = texelFetch(marks, fine, 0), b = texelFetch(marks, fine + ivec2(1, 0), 0);
    vec4 c = texelFetch(marks, fine + ivec2(0, 1), 0), d = texelFetch(marks, fine + ivec2(1, 1), 0);
    id = a.z == b.z || a.z == c.z || a.z == d.z ? a.z : b.z == c.z || b.z == d.z ? b.z : c.z == d.z ? c.z : a.z;
    vec2 step = 1.0 / vec2(textureSize(still, 0));
    vec2 motion = motion_near(fine);
    float near = 0.25 + 0.5 * look.x;
    vec4 inner = vec4(0.0);
    if (dot(motion, motion) > 0.5) {
        for (int i = 0; i < 7; i++) {
            vec2 side = vec2((i & 1) == 0 ? near : -near, (i & 2) == 0 ? near : -near);
            inner += layer_at(place + (motion * (float(i) / 6.0 - 0.5) + side) * step) * (1.0 / 7.0);
        }
        return inner;
    }
    vec4 outer = vec4(0.0);
    for (int i = 0; i < 4; i++) {
        vec2 side = vec2((i & 1) == 0 ? step.x : -step.x, (i & 2) == 0 ? step.y : -step.y);
        inner += layer_at(place + side * near) * 0.25;
        outer += layer_at(place + side * (near + 1.0)) * 0.25;
    }
    return vec4(max(inner.rgb + look.y * (inner.rgb - outer.rgb), 0.0), inner.a);
}
#endif

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy);
    vec4 found = texelFetch(still, here, 0);
    vec3 light = squared(found.rgb) * exp(-found.a * texture(shadow, place).r * 2.0);
    float id = 0.0;
#ifdef MOVING
    vec4 over = moving_light(id);
    light = over.rgb + light * (1.0 - over.a);
#endif
    vec2 from = place - 0.5;
    light *= 2.0 * gain * (1.0 - look.z * 2.0 * dot(from, from));
    float grey = dot(light, vec3(0.2126, 0.7152, 0.0722));
    light = max(mix(vec3(grey), light, look.w), 0.0);

    uint pixel = uint(here.x) + 65536u * uint(here.y);
    uint pair = uint(here.x >> 1) + 65536u * uint(here.y >> 1);
    uint own = hashed(pixel ^ key), shared_ = hashed(pair ^ (key + 0x9e3779b9u));
    float brightness = normal_of(own);
    vec3 tint = vec3(normal_of(shared_), 0.0, normal_of(hashed(shared_)));
    float spread = sqrt(grain.x * grain.x + grain.y * grain.y * min(grey, 1.0));
    light += spread * (brightness + grain.z * tint);

    vec3 shoulder = max(light - 0.75, 0.0);
    light = min(light, 0.75) + shoulder / (1.0 + 3.0 * shoulder);
    vec3 curve = mix(12.92 * light, 1.055 * pow(max(light, 0.0031308), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, light));
    picture = vec4(clamp(curve.bgr, 0.0, 1.0), id);
}
