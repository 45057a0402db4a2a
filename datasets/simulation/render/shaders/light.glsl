// Light of the ceiling: a few directions of the sky with their shadow maps, the panels' own falloff, the floor's bounce.
const int SKY = 16;

uniform sampler2D sky_depth;      // all directions' maps in one picture
uniform mat4 sky_view[SKY];       // shop to the map: 0..1 across, down and in depth
uniform vec4 sky_light[SKY];      // direction towards the light, and its share
uniform sampler2D panel_light;    // how bright each place of the floor is, 1 on average
uniform vec4 panel_box;           // its corner and its size, metres
uniform vec4 panel_grid;          // a panel's middle, and the distance between panels
uniform vec3 panel_size;          // half a panel, and the ceiling's height

float panels_at(vec2 place) {
    return texture(panel_light, (place - panel_box.xy) / panel_box.zw).r;
}

float seen_from(int i, vec3 point) {
    vec3 place = (sky_view[i] * vec4(point, 1.0)).xyz;
    if (any(greaterThan(abs(place.xy - 0.5), vec2(0.5)))) return 1.0;
    return texture(sky_depth, (vec2(i % 4, i / 4) + place.xy) / 4.0).r < place.z ? 0.0 : 1.0;
}

// What a mirror of the given roughness at the point sees of the panels, 0..1.
float mirrored(vec3 point, vec3 away, float roughness) {
    if (away.z < 0.05) return 0.0;
    float far = (panel_size.z - point.z) / away.z;
    vec2 place = point.xy + away.xy * far - panel_grid.xy;
    vec2 from = abs(place - panel_grid.zw * round(place / panel_grid.zw)) - panel_size.xy;
    vec2 soft = vec2(0.02 + roughness * max(far, 0.3));
    vec2 inside = smoothstep(soft, -soft, from);
    return inside.x * inside.y;
}
