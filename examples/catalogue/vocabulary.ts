/** The words that products, customers and descriptions are made of. Each category's parts must allow 5,000 different names. */

export interface Vocabulary {
  readonly name: string;
  /** A product's name takes one entry of each list, in this order. */
  readonly parts: readonly (readonly string[])[];
  /** What an entry of the part at `pricedBy` usually costs, in whole currency units. */
  readonly usualPrices: readonly number[];
  readonly pricedBy: number;
  /** What a description may begin with. */
  readonly pitches: readonly string[];
}

const MAKERS = words(
  'Alder|Brightwell|Corvane|Dunmore|Elmhurst|Fenwick|Galloway|Hartline|Ironwood|Juniper|Kestrel|Larkfield|' +
    'Marlow|Northgate|Oakridge|Pemberton|Quill|Ravenhill|Stonebridge|Thornbury|Umberline|Verity|Westbrook|Yarrow',
);
const TECH_MAKERS = words(
  'Aerion|Baseline|Cobaltix|Deltora|Everbit|Fluxon|Gridwise|Helion|Ionix|Kinetiq|Lumenor|Micronaut|' +
    'Nexora|Orbitel|Pulsar|Quantro|Rivet|Synthex|Tessera|Vantix',
);
const TECH_GRADES = words('Air|Core|Max|Mini|Neo|One|Plus|Prime|Pro|S2|Ultra|X3|X5|Z1');
const COLOURS = words('Black|Blue|Charcoal|Cream|Forest Green|Grey|Ivory|Navy|Olive|Plum|Red|Sand|Slate|Teal|White');
const VOLUMES = words('30 ml|50 ml|75 ml|100 ml|150 ml|200 ml|250 ml|Refill');
const WEIGHTS = words('100 g|200 g|250 g|500 g|750 g|1 kg|Gift Box|Pack of 3');
const AUTHORS = words(
  'by Ada Lindqvist|by Bram Okafor|by Clara Montes|by Dario Fenn|by Edith Karlsen|by Farid Naseri|by Greta Holm|' +
    'by Hugo Marchetti|by Ines Duarte|by Jonas Reuter|by Keiko Tanaka|by Liam Corrigan|by Mira Kovacs|by Nils Aaberg|by Olga Petrova|' +
    'by Priya Raman|by Rosa Benitez|by Silas Whitcombe|by Tomas Novak|by Wren Abbott',
);

const PITCHES = words(
  'Made to last, and easy to repair.|Our customers come back for this one.|Well made, at an honest price.|' +
    'Chosen by our buyers out of more than fifty.|Everything one needs and nothing more.|A good present, to others or to oneself.|' +
    'The new edition of a favourite of many years.|From a small workshop that makes nothing else.',
);
const BOOK_PITCHES = words(
  'A family, a secret and three summers by the sea.|A slow and tender novel about leaving home.|' +
    'The story of two sisters who have not spoken for twenty years.|A mystery that one reads in a single night.|' +
    'Nine linked stories from one street.|A historical novel, told by those whom history left out.|The prize-winning first novel.|' +
    'An adventure across four countries and one century.',
);

export const SERVICES = words(
  'Ships within one working day.|Free returns for 60 days.|Packed without plastic.|Ships from our own warehouse.',
);
export const FIRST_NAMES = words(
  'Aisha|Anna|Ben|Carlos|Chloe|Daniel|Diego|Elena|Emma|Finn|Grace|Hana|Ibrahim|Isla|Jack|Kofi|Lena|Lucas|' +
    'Maya|Mateo|Nadia|Noah|Olivia|Oscar|Priya|Rafael|Ruby|Samuel|Sofia|Theo|Yuki|Zara',
);
export const LAST_NAMES = words(
  'Adeyemi|Andersen|Brown|Castillo|Chen|Costa|Dubois|Evans|Fischer|Garcia|Haddad|Ito|Jansen|Kaur|Kim|' +
    'Kowalski|Larsen|Martin|Moreau|Nguyen|Novak|Okoye|Patel|Quinn|Rossi|Sato|Silva|Singh|Taylor|Virtanen|Weber|Young',
);

export const CATEGORIES: readonly Vocabulary[] = Object.freeze([
  {
    name: 'Books',
    parts: [
      words(
        'The Silent|The Last|The Hidden|A Distant|The Broken|The Winter|A Borrowed|The Glass|The Paper|The Salt|The Amber|A Careful|' +
          'The Crooked|The Patient|A Forgotten',
      ),
      words(
        'Harbour|Garden|Lighthouse|Orchard|Atlas|Clockmaker|River|Letter|Island|Archive|Cathedral|Border|Voyage|Tide|Kingdom|' +
          'Mirror|Bridge|Season|Cartographer|Summer',
      ),
      AUTHORS,
    ],
    usualPrices: AUTHORS.map((_, index) => 9 + index),
    pricedBy: 2,
    pitches: BOOK_PITCHES,
  },
  goods(
    'Electronics',
    'Smart|Wireless|Compact|4K|Portable|Dual-Band',
    'Projector 320|Power Bank 35|Weather Station 70|Doorbell 110|' +
      'Security Camera 90|Media Player 60|Television 650|Charging Dock 40|Radio 55|Tablet 380',
    TECH_MAKERS,
    TECH_GRADES,
  ),
  goods(
    'Computers',
    'Quiet|Slim|Workstation|Ergonomic|Mechanical|Modular',
    'Laptop 1200|Monitor 280|Keyboard 85|Mouse 45|Desktop 950|' +
      'Docking Station 160|Solid State Drive 110|Graphics Card 580|Webcam 70|Router 130',
    TECH_MAKERS,
    TECH_GRADES,
  ),
  goods(
    'Phones',
    'Slim|Rugged|Foldable|Magnetic|Clear|Fast',
    'Smartphone 640|Phone Case 22|Wall Charger 28|Car Mount 24|' +
      'Screen Protector 14|Charging Cable 12|Gimbal 110|Smartwatch 230',
    TECH_MAKERS,
    TECH_GRADES,
  ),
  goods(
    'Audio',
    'Studio|Wireless|Noise-Cancelling|Vintage|Portable|Reference',
    'Headphones 160|Earbuds 95|Loudspeaker 240|Soundbar 210|' +
      'Turntable 290|Microphone 120|Amplifier 380|Audio Interface 170',
    TECH_MAKERS,
    TECH_GRADES,
  ),
  goods(
    'Photography',
    'Carbon|Full-Frame|Weather-Sealed|Travel|Wide-Angle|Compact',
    'Camera 980|Lens 620|Tripod 120|Camera Bag 75|' + 'Flash 180|Filter Kit 60|Light Stand 45|Photo Printer 260',
    TECH_MAKERS,
    TECH_GRADES,
  ),
  goods(
    'Furniture',
    'Oak|Walnut|Upholstered|Folding|Mid-Century|Rustic',
    'Armchair 340|Bookcase 220|Desk 290|Dining Table 520|Sofa 890|' +
      'Bed Frame 460|Nightstand 110|Stool 70|Wardrobe 640|Bench 180',
  ),
  goods(
    'Kitchen',
    'Cast-Iron|Stainless|Enamelled|Ceramic|Non-Stick|Bamboo',
    'Saucepan 48|Skillet 42|Chef Knife 60|Cutting Board 26|' +
      'Kettle 45|Mixing Bowl 18|Espresso Maker 190|Blender 85|Baking Tray 20|Stockpot 70',
  ),
  goods(
    'Bedding',
    'Linen|Organic Cotton|Weighted|Down|Flannel|Bamboo',
    'Duvet 95|Pillow 32|Sheet Set 80|Blanket 55|' + 'Mattress Topper 120|Quilt 110|Pillowcase 18|Throw 40',
  ),
  goods(
    'Garden',
    'Galvanised|Cedar|Heavy-Duty|Self-Watering|Teak|Copper',
    'Planter 28|Watering Can 22|Pruning Shears 25|Trellis 34|' +
      'Wheelbarrow 95|Bird Bath 60|Hose Reel 70|Garden Bench 180|Compost Bin 65|Lantern 30',
  ),
  goods(
    'Tools',
    'Cordless|Forged|Brushless|Precision|Insulated|Compact',
    'Drill 120|Hammer 28|Socket Set 75|Circular Saw 140|Wrench 24|' +
      'Screwdriver Set 36|Spirit Level 22|Clamp 18|Sander 80|Tool Chest 210',
  ),
  goods(
    'Toys',
    'Wooden|Plush|Magnetic|Glow-in-the-Dark|Hand-Painted|Giant',
    'Building Blocks 32|Train Set 55|Puzzle 16|Teddy Bear 24|' +
      'Kite 20|Dollhouse 85|Robot Kit 60|Marble Run 38|Spinning Top 9|Racing Car 18',
  ),
  goods(
    'Games',
    'Strategy|Cooperative|Family|Travel|Classic|Deluxe',
    'Board Game 38|Card Game 14|Dice Set 11|Chess Set 45|Quiz Game 22|' + 'Domino Set 16|Word Game 20|Mystery Game 28',
  ),
  goods(
    'Sports',
    'Competition|Training|All-Weather|Junior|Lightweight|Professional',
    'Tennis Racket 90|Football 28|Yoga Mat 32|' +
      'Dumbbell Set 75|Cycling Helmet 65|Rowing Machine 480|Swim Goggles 18|Jump Rope 12|Basketball 30|Running Belt 16',
  ),
  goods(
    'Outdoors',
    'Ultralight|Four-Season|Waterproof|Insulated|Expedition|Foldable',
    'Tent 260|Sleeping Bag 130|Backpack 110|' +
      'Camp Stove 60|Headlamp 38|Trekking Poles 70|Hammock 45|Water Filter 40|Cool Box 80|Dry Bag 24',
  ),
  goods(
    'Clothing',
    'Merino|Linen|Quilted|Tailored|Relaxed|Organic Cotton',
    'Jacket 120|Shirt 48|Jumper 65|Trousers 70|Dress 85|' + 'Cardigan 68|Scarf 30|T-Shirt 22|Overcoat 190|Skirt 55',
  ),
  goods(
    'Shoes',
    'Leather|Canvas|Suede|Waterproof|Slip-On|Trail',
    'Boots 140|Trainers 80|Loafers 95|Sandals 50|Brogues 120|' + 'Running Shoes 110|Slippers 30|Hiking Boots 150',
  ),
  goods(
    'Beauty',
    'Hydrating|Botanical|Gentle|Vitamin C|Unscented|Overnight',
    'Face Cream 28|Shampoo 12|Lip Balm 6|Serum 34|Hand Cream 10|' + 'Body Wash 11|Sunscreen 19|Face Mask 15',
    MAKERS,
    VOLUMES,
  ),
  goods(
    'Grocery',
    'Organic|Fair Trade|Stone-Ground|Smoked|Single-Origin|Wild',
    'Coffee 13|Olive Oil 15|Honey 9|Granola 7|Black Tea 8|' +
      'Sea Salt 5|Dark Chocolate 4|Pasta 4|Jam 6|Almond Butter 9',
    MAKERS,
    WEIGHTS,
  ),
  goods(
    'Pets',
    'Orthopaedic|Grain-Free|Reflective|Washable|Interactive|Chew-Proof',
    'Dog Bed 65|Cat Tree 90|Leash 20|Feeding Bowl 16|' +
      'Dog Toy 11|Pet Carrier 48|Scratching Post 35|Cat Food 18|Harness 27|Aquarium 130',
  ),
]);

function words(text: string): string[] {
  return text.split('|');
}

/** @param things What is sold, each with its usual price behind it. */
function goods(name: string, qualities: string, things: string, makers = MAKERS, finishes = COLOURS): Vocabulary {
  const priced = words(things).map((thing) => thing.split(/ (?=\d+$)/));
  const nouns = priced.map(([noun = '']) => noun);
  const usualPrices = priced.map(([, price]) => Number(price));
  return { name, parts: [makers, words(qualities), nouns, finishes], usualPrices, pricedBy: 2, pitches: PITCHES };
}
