// What a surface of the shop looks like: its paint and the light that it sends to the eye, linear.
#include light.glsl
#include hash.glsl

uniform sampler2DArray atlas;
uniform vec4 tiles;      // the floor's tiles: size, grout's width, difference between tiles, gloss
uniform vec3 grout;
uniform uint scatter;

const float SOFT = 0.2;  // width of a shadow's soft edge, metres
const int PLAIN = -1, FLOOR_TILES = -2, WALL_PAINT = -3, CEILING = -4;

vec3 floor_paint(vec3 point, vec3 base) {
    vec2 cell = point.xy / tiles.x;
    uvec2 number = uvec2(ivec2(floor(cell)) + 4096);
    uint key = hashed(number.x + 8192u * number.y + scatter);
    vec3 tint = base * (1.0 + tiles.z * (vec3(unit(key)) + 0.3 * vec3(unit(hashed(key)), 0.5, unit(hashed(key + 1u))) - 0.65));
    vec2 edge = abs(fract(cell) - 0.5) * tiles.x;
    vec2 wide = fwidth(point.xy);
    vec2 line = smoothstep(tiles.x * 0.5 - tiles.y - wide, vec2(tiles.x * 0.5 - tiles.y) + wide * 0.2, edge);
    line *= min(vec2(1.0), tiles.y * 2.0 / max(wide, vec2(1e-4)));
    float worn = sin(point.x * 1.7 + sin(point.y * 1.3)) * sin(point.y * 1.1 + sin(point.x * 0.9));
    return mix(tint * (1.0 + 0.03 * worn), grout, max(line.x, line.y));
}

vec3 surface(vec3 point, vec3 n, vec3 local, vec2 uv, vec4 colour, int layer, float shade, vec3 towards, bool still) {
    vec3 paint = colour.rgb;
    float gloss = colour.a;
    if (layer >= 0) {
        paint *= pow(texture(atlas, vec3(uv, float(layer))).rgb, vec3(2.2));
    } else if (layer == FLOOR_TILES) {
        paint = floor_paint(point, paint);
        gloss = tiles.w;
    } else if (layer == CEILING) {
        vec2 place = point.xy - panel_grid.xy;
        vec2 from = abs(place - panel_grid.zw * round(place / panel_grid.zw)) - panel_size.xy;
        if (max(from.x, from.y) < 0.0 && n.z < 0.0) return vec3(2.0);
    }
    float seen = 0.0;
    if (still) {
        uvec2 pixel = uvec2(gl_FragCoord.xy);
        uint key = hashed(pixel.x + 16384u * pixel.y);
        for (int i = 0; i < SKY; i++) {
            float facing = dot(n, sky_light[i].xyz);
            if (facing > 0.0) {
                // Two places near by on the same plane, so that no flat surface shades itself.
                key = hashed(key);
                vec3 shift = (vec3(key & 1023u, (key >> 10u) & 1023u, (key >> 20u) & 1023u) / 1023.0 - 0.5) * SOFT;
                shift -= n * dot(shift, n);
                vec3 above = point + n * 0.02;
                seen += facing * sky_light[i].w * 0.5 * (seen_from(i, above + shift) + seen_from(i, above - shift));
            }
        }
    } else {
        for (int i = 0; i < SKY; i++) seen += max(dot(n, sky_light[i].xyz), 0.0) * sky_light[i].w * 0.85;
    }
    float bounce = 0.26 - 0.10 * n.z;
    float base = layer >= 0 ? mix(0.72, 1.0, smoothstep(0.0, 0.2, local.z)) : 1.0;
    float level = panels_at(point.xy) * base;
    vec3 lit = paint * (seen * mix(0.35, 1.0, shade) + bounce * shade) * level;
    vec3 away = reflect(-towards, n);
    float edge = pow(1.0 - max(dot(n, towards), 0.0), 5.0);
    float shine = gloss * (0.05 + 0.4 * edge) * mirrored(point, away, 0.5 - 0.45 * gloss) * shade;
    return lit + vec3(shine * 2.0);
}
