// A package before a white ground, in the even light of a studio.
in vec3 at;
in vec3 normal;
in vec2 uv;
flat in vec4 colour;
flat in int layer;

uniform sampler2DArray atlas;
uniform vec3 eye;
uniform vec3 lamp;     // direction to the main lamp
uniform vec2 half_m;   // half of the package's width and depth
uniform int is_round;  // whether it stands on an ellipse

out vec4 pixel;

float beside(vec2 place) {
    if (is_round == 1) return max(length(place / half_m) - 1.0, 0.0) * min(half_m.x, half_m.y);
    return length(max(abs(place) - half_m, 0.0));
}

void main() {
    if (layer < 0) {
        pixel = vec4(vec3(1.0 - 0.45 * exp(-beside(at.xy) / 0.012)), 1.0);
        return;
    }
    vec3 n = normalize(normal), towards = normalize(eye - at);
    vec3 paint = pow(texture(atlas, vec3(uv, float(layer))).rgb, vec3(2.2)) * colour.rgb;
    float even = 0.62 + 0.2 * n.z;
    float main_light = 0.5 * max(dot(n, lamp), 0.0);
    float shine = colour.a * 0.35 * pow(max(dot(n, normalize(lamp + towards)), 0.0), 40.0);
    float edge = colour.a * 0.15 * pow(1.0 - max(dot(n, towards), 0.0), 4.0);
    vec3 light = paint * (even + main_light) + vec3(shine + edge);
    pixel = vec4(pow(clamp(light, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
