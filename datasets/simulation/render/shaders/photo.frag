// A thing before a white ground, in the even light of a studio.
in vec3 at;
in vec3 normal;
in vec2 uv;
flat in vec4 colour;
flat in int layer;

uniform sampler2DArray atlas;
uniform vec3 eye;
uniform vec3 lamp;  // direction to the main lamp

out vec4 pixel;  // blue, green, red

void main() {
    vec3 n = normalize(normal), towards = normalize(eye - at);
    vec3 paint = colour.rgb;
    if (layer >= 0) paint *= pow(texture(atlas, vec3(uv, float(layer))).rgb, vec3(2.2));
    float even = 0.62 + 0.2 * n.z;
    float main_light = 0.5 * max(dot(n, lamp), 0.0);
    float shine = colour.a * 0.35 * pow(max(dot(n, normalize(lamp + towards)), 0.0), 40.0);
    float edge = colour.a * 0.15 * pow(1.0 - max(dot(n, towards), 0.0), 4.0);
    vec3 light = paint * (even + main_light) + vec3(shine + edge);
    pixel = vec4(pow(clamp(light, 0.0, 1.0), vec3(1.0 / 2.2)).bgr, 1.0);
}
