"""What generated shops sell: kinds of goods by package, their tastes, and the colours that tastes have on labels."""

from __future__ import annotations

from dataclasses import dataclass

from store.catalogue import Package

# Taste: colour on the label, sRGB.
TASTES: dict[str, tuple[int, int, int]] = {
    "Classic": (196, 30, 42),
    "Original": (30, 66, 148),
    "Mild": (120, 178, 74),
    "Spicy": (214, 52, 22),
    "Natural": (92, 148, 66),
    "Light": (96, 178, 214),
    "Zero": (34, 34, 38),
    "Extra": (232, 152, 22),
    "Lemon": (240, 206, 34),
    "Lime": (140, 200, 40),
    "Orange": (242, 132, 24),
    "Cherry": (166, 20, 52),
    "Berry": (104, 44, 138),
    "Strawberry": (224, 50, 76),
    "Apple": (118, 180, 52),
    "Peach": (246, 168, 110),
    "Mango": (248, 174, 38),
    "Vanilla": (238, 214, 150),
    "Chocolate": (92, 52, 30),
    "Hazelnut": (156, 104, 58),
    "Honey": (226, 164, 40),
    "Paprika": (206, 44, 30),
    "Onion": (142, 170, 70),
    "Garlic": (222, 214, 190),
    "Basil": (46, 122, 56),
    "Tomato": (212, 44, 36),
    "Olive": (120, 124, 48),
    "Mint": (70, 184, 160),
    "Lavender": (150, 128, 196),
    "Ocean": (34, 116, 186),
    "Rose": (228, 130, 152),
    "Wholegrain": (166, 120, 70),
    "Salted": (54, 108, 178),
    "Dark": (58, 38, 34),
    "Mixed": (178, 96, 40),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of goods. ``density`` in g/ml of what fills the package, air between pieces included; ``price`` in the
    currency's main unit for a kg or litre; ``fluid`` goods are sold by volume.
    """

    word: str
    tastes: tuple[str, ...]
    density: float
    price: float
    fluid: bool = False
    age_restricted: bool = False


def _kind(word: str, tastes: str, density: float, price: float, *flags: str) -> Kind:
    return Kind(word, tuple(tastes.split()), density, price, "fluid" in flags, "adult" in flags)


KINDS: dict[Package, tuple[Kind, ...]] = {
    Package.BOX: (
        _kind("Muesli", "Berry Chocolate Hazelnut Honey", 0.34, 7.0),
        _kind("Cornflakes", "Classic Honey Wholegrain", 0.14, 6.0),
        _kind("Crunchy Oats", "Vanilla Apple Chocolate", 0.32, 6.5),
        _kind("Spaghetti", "Classic Wholegrain Extra", 0.45, 3.0),
        _kind("Penne", "Classic Wholegrain Basil", 0.38, 3.2),
        _kind("Rice", "Natural Classic Light", 0.75, 3.8),
        _kind("Couscous", "Natural Lemon Spicy", 0.62, 5.0),
        _kind("Green Tea", "Mint Lemon Natural", 0.10, 32.0),
        _kind("Fruit Tea", "Berry Cherry Apple", 0.11, 28.0),
        _kind("Cocoa", "Classic Dark Light", 0.42, 11.0),
        _kind("Crackers", "Salted Paprika Onion", 0.26, 9.0),
        _kind("Biscuits", "Vanilla Chocolate Hazelnut", 0.36, 8.5),
        _kind("Wafers", "Lemon Vanilla Hazelnut", 0.30, 9.5),
        _kind("Cake Mix", "Lemon Chocolate Vanilla", 0.55, 6.0),
        _kind("Pancake Mix", "Original Vanilla Wholegrain", 0.55, 5.5),
        _kind("Dumplings", "Classic Spicy Onion", 0.45, 7.5),
        _kind("Pizza", "Tomato Spicy Mixed", 0.30, 8.0),
        _kind("Fish Fillets", "Lemon Classic Basil", 0.50, 12.0),
        _kind("Washing Powder", "Ocean Lavender Natural", 0.62, 4.5),
        _kind("Dishwasher Tabs", "Lemon Ocean Extra", 0.50, 11.0),
        _kind("Soap Flakes", "Rose Lavender Mint", 0.40, 6.5),
        _kind("Dog Biscuits", "Original Mixed Mild", 0.40, 5.0),
    ),
    Package.CAN: (
        _kind("Cola", "Classic Zero Cherry Lemon", 1.0, 2.4, "fluid"),
        _kind("Lemonade", "Lemon Orange Lime", 1.0, 2.2, "fluid"),
        _kind("Iced Tea", "Peach Lemon Mint", 1.0, 2.3, "fluid"),
        _kind("Energy Drink", "Original Zero Mango", 1.0, 4.5, "fluid"),
        _kind("Tonic", "Classic Light Lime", 1.0, 3.2, "fluid"),
        _kind("Lager", "Original Light Lemon", 1.0, 3.6, "fluid", "adult"),
        _kind("Cider", "Apple Cherry Rose", 1.0, 4.2, "fluid", "adult"),
        _kind("Baked Beans", "Tomato Spicy Mild", 0.95, 3.4),
        _kind("Chickpeas", "Natural Salted Garlic", 0.92, 3.2),
        _kind("Sweetcorn", "Natural Extra Salted", 0.92, 4.0),
        _kind("Tomato Soup", "Basil Spicy Classic", 0.98, 5.0),
        _kind("Peeled Tomatoes", "Tomato Basil Garlic", 0.97, 2.8),
        _kind("Fruit Salad", "Peach Mango Mixed", 0.95, 4.6),
        _kind("Cat Food", "Original Mild Mixed", 0.96, 4.4),
    ),
    Package.BOTTLE: (
        _kind("Juice", "Orange Apple Cherry Mango", 1.03, 2.6, "fluid"),
        _kind("Spring Water", "Natural Lemon Mint", 1.0, 0.9, "fluid"),
        _kind("Syrup", "Strawberry Lime Orange", 1.25, 5.0, "fluid"),
        _kind("Smoothie", "Mango Berry Strawberry", 1.04, 7.0, "fluid"),
        _kind("Milk Drink", "Vanilla Chocolate Strawberry", 1.03, 4.4, "fluid"),
        _kind("Olive Oil", "Olive Mild Extra", 0.92, 11.0, "fluid"),
        _kind("Vinegar", "Apple Classic Mild", 1.01, 3.4, "fluid"),
        _kind("Ketchup", "Tomato Spicy Light", 1.1, 4.6, "fluid"),
        _kind("Red Wine", "Classic Dark Mild", 0.99, 9.0, "fluid", "adult"),
        _kind("Pale Ale", "Original Orange Light", 1.01, 5.4, "fluid", "adult"),
        _kind("Dish Soap", "Lemon Apple Ocean", 1.03, 3.6, "fluid"),
        _kind("Shampoo", "Lavender Honey Mint", 1.02, 9.0, "fluid"),
        _kind("Fabric Softener", "Rose Ocean Vanilla", 1.0, 4.0, "fluid"),
        _kind("Soy Sauce", "Original Light Dark", 1.15, 8.0, "fluid"),
    ),
    Package.JAR: (
        _kind("Jam", "Strawberry Cherry Peach Orange", 1.25, 6.4),
        _kind("Honey", "Natural Lavender Mild", 1.4, 12.0),
        _kind("Gherkins", "Classic Spicy Honey", 0.95, 5.5),
        _kind("Olives", "Olive Garlic Lemon", 0.95, 11.0),
        _kind("Pesto", "Basil Tomato Spicy", 1.05, 13.0),
        _kind("Mustard", "Mild Spicy Honey", 1.1, 6.0),
        _kind("Nut Butter", "Natural Hazelnut Salted", 1.1, 11.0),
        _kind("Chocolate Spread", "Hazelnut Dark Vanilla", 1.2, 8.4),
        _kind("Pasta Sauce", "Tomato Basil Garlic", 1.05, 6.2),
        _kind("Instant Coffee", "Classic Mild Dark", 0.28, 42.0),
    ),
    Package.BAG: (
        _kind("Crisps", "Paprika Salted Onion", 0.09, 12.0),
        _kind("Tortilla Chips", "Original Spicy Lime", 0.13, 10.0),
        _kind("Popcorn", "Salted Honey Vanilla", 0.07, 14.0),
        _kind("Ground Coffee", "Classic Mild Dark", 0.36, 16.0),
        _kind("Mixed Nuts", "Salted Natural Honey", 0.42, 17.0),
        _kind("Fruit Gums", "Mixed Cherry Lemon", 0.48, 9.0),
        _kind("Flour", "Classic Wholegrain Extra", 0.6, 1.6),
        _kind("Lentils", "Natural Extra Spicy", 0.72, 4.4),
        _kind("Frozen Peas", "Natural Mint Extra", 0.48, 4.6),
        _kind("Cat Litter", "Natural Lavender Ocean", 0.7, 1.4),
    ),
    Package.TRAY: (
        _kind("Mushrooms", "Natural Mixed Dark", 0.28, 7.5),
        _kind("Pasta Salad", "Tomato Basil Mild", 0.62, 9.0),
        _kind("Lasagne", "Classic Tomato Basil", 0.78, 8.0),
        _kind("Sliced Cheese", "Mild Classic Extra", 0.7, 12.0),
        _kind("Sushi", "Mixed Classic Mango", 0.5, 22.0),
        _kind("Chicken Strips", "Natural Paprika Lemon", 0.75, 13.0),
    ),
    Package.TUBE: (
        _kind("Toothpaste", "Mint Original Lemon", 1.3, 24.0, "fluid"),
        _kind("Hand Cream", "Rose Lavender Natural", 1.0, 30.0, "fluid"),
        _kind("Sun Lotion", "Mild Extra Ocean", 1.0, 42.0, "fluid"),
        _kind("Tomato Paste", "Classic Garlic Spicy", 1.1, 9.0),
        _kind("Mayonnaise", "Classic Light Garlic", 0.95, 8.0),
        _kind("Hair Gel", "Extra Natural Ocean", 1.0, 18.0, "fluid"),
    ),
}
