// From the pinhole picture, drawn finer, to the lens's: soft as the lens is, with the halo of the camera's sharpening.
uniform sampler2D flat_picture;
uniform sampler2D flat_place;   // of each pixel of the picture, in pixels of the pinhole picture
uniform vec2 flat_size;
uniform vec2 optics;            // softness in pixels, strength of the halo

in vec2 place;
out vec4 pixel;

vec4 linear_at(vec2 where) {
    vec4 found = texture(flat_picture, where / flat_size);
    return vec4(found.rgb * found.rgb, found.a);
}

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy), last = textureSize(flat_place, 0) - 1;
    vec2 middle = texelFetch(flat_place, here, 0).xy;
    vec2 right = (texelFetch(flat_place, min(here + ivec2(1, 0), last), 0).xy - texelFetch(flat_place, max(here - ivec2(1, 0), ivec2(0)), 0).xy) * 0.5;
    vec2 down = (texelFetch(flat_place, min(here + ivec2(0, 1), last), 0).xy - texelFetch(flat_place, max(here - ivec2(0, 1), ivec2(0)), 0).xy) * 0.5;
    float near = 0.25 + 0.5 * optics.x, far = near + 1.0;
    vec4 inner = vec4(0.0), outer = vec4(0.0);
    for (int i = 0; i < 4; i++) {
        vec2 side = vec2(i < 2 ? -1.0 : 1.0, i % 2 == 0 ? -1.0 : 1.0);
        inner += linear_at(middle + near * (side.x * right + side.y * down)) * 0.25;
        outer += linear_at(middle + far * (side.x * right + side.y * down)) * 0.25;
    }
    vec3 light = max(inner.rgb + optics.y * (inner.rgb - outer.rgb), 0.0);
    pixel = vec4(sqrt(min(light, 1.0)), inner.a);
}
