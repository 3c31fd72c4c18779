import { type Language, topics } from './language.ts';

export const english: Language = {
  code: 'en',
  names: [
    'Olivia Bennett',
    'Jack Thornton',
    'Priya Raman',
    'Marcus Oyelaran',
    'Hannah Whitfield',
    'Liam O’Sullivan',
    'Grace Mbeki',
    'Daniel Kowalczyk',
    'Sophie Marchetti',
    'Ethan Caldwell',
    'Aisha Rahman',
    'Noah Fitzgerald',
  ],
  cities: ['Manchester', 'Portland', 'Cork', 'Toronto', 'Wellington', 'Austin'],
  greetings: ['Hello,', 'Hi there,', 'Dear support team,', 'Good morning,', 'Hey,'],
  closings: [
    'Many thanks,\n{n}',
    'Kind regards\n{n}\n{c}',
    'Please get back to me soon.\n\n{n}',
    'Cheers,\n{n}',
    'Sent from my phone\n{n}',
  ],
  asides: [
    'I have been a customer since the beginning and never had trouble before.',
    'I already tried the steps in your help centre, without any luck.',
    'A colleague in {c} sees exactly the same thing.',
    'Could you tell me how long this usually takes?',
    'I attached a screenshot, the message at the bottom says "please contact support".',
    'This is the third time I am writing about order {o}.',
    'I would rather not phone, because the last call took fifty minutes.',
    'If it helps: the folder is C:\\Users\\Public\\{p} and the version is the newest one.',
    'My previous message from {d} was marked as solved, but it is not solved.',
    'Please treat this as urgent, our whole team is waiting.',
    'It worked fine until {d}; nothing was changed on our side.',
    'I checked with my bank and they say the problem is on your end.',
    'We are evaluating whether to renew, so a quick answer would help.',
    'Let me know if you need the log file, I can send it & the settings as well.',
  ],
  topics: topics(
    [
      ['Refund for order {o} still missing', 'Where is my refund?', 'Refund of {a} not received'],
      [
        'I returned the {p} from order {o} on {d} and was promised a refund of {a}.',
        'You confirmed the refund for order {o}, but nothing has arrived on my card.',
      ],
      [
        'The tracking shows that the parcel reached your warehouse in {c}.',
        'My bank statement shows the charge of {a} but no credit.',
        'Please confirm in writing when the money will be sent.',
      ],
    ],
    [
      ['Order {o} has not arrived', 'Late delivery of my {p}', 'Parcel lost on the way to {c}?'],
      [
        'My order {o} should have been delivered on {d}, and I am still waiting.',
        'The carrier says the parcel with the {p} was handed to a neighbour, but nobody has it.',
      ],
      [
        'The tracking page has not changed for six days.',
        'I need the {p} before the weekend; otherwise I have to buy one in a shop.',
        'Can you send a replacement by express to {c}?',
      ],
    ],
    [
      ['Cannot log in since this morning', 'Password reset e-mail never arrives', 'Locked out of my account'],
      [
        'Since {d} I cannot log in to my account any more.',
        'I requested a password reset four times and no e-mail comes.',
      ],
      [
        'The page says "invalid session" and sends me back to the start.',
        'Two-factor codes are refused although the clock of my phone is right.',
        'Other people in our company can log in without problems.',
      ],
    ],
    [
      [
        'Invoice for order {o} shows the wrong amount',
        'Need a corrected invoice',
        'VAT number missing on invoice',
      ],
      [
        'The invoice for order {o} says {a}, but we agreed on a lower price.',
        'Our accounting cannot book your invoice because the VAT number is missing.',
      ],
      [
        'The billing address should be our office in {c}.',
        'Please send the corrected invoice as PDF to the address on file.',
        'The quarter closes on {d}, so it is a little pressing.',
      ],
    ],
    [
      [
        '{p} app crashes when I open settings',
        'App closes by itself after the update',
        'Blank screen after update',
      ],
      [
        'After the update of {d} the {p} app crashes as soon as I open the settings.',
        'The app of my {p} shows a blank screen and then closes.',
      ],
      [
        'I reinstalled it twice and restarted the phone.',
        'The error report has the number {o}.',
        'It happens on wifi and on mobile data.',
      ],
    ],
    [
      ['{p} arrived damaged', 'Broken on arrival: order {o}', 'Scratched display on a new {p}'],
      [
        'The {p} from order {o} arrived damaged: the box was crushed on one side.',
        'I unpacked my {p} today, and the display is scratched.',
      ],
      [
        'Photos are attached; the packaging was open at the bottom.',
        'I would like a replacement and not a voucher.',
        'The delivery man took a photo of the box as well.',
      ],
    ],
    [
      ['Please cancel my subscription', 'Cancel order {o}', 'How do I end my plan?'],
      [
        'Please cancel my subscription at the end of the month.',
        'I want to cancel order {o}, it has not been shipped yet.',
      ],
      [
        'I was charged {a} again although I cancelled on {d}.',
        'The cancel button on the account page does nothing.',
        'Please confirm the cancellation by e-mail.',
      ],
    ],
    [
      ['API returns 502 since {d}', 'Webhook signature does not match', 'Rate limit lower than documented'],
      [
        'Our integration gets a 502 for about one request in twenty since {d}.',
        'The webhook for order events arrives with a signature that does not verify.',
      ],
      [
        'Request id {o} is one example.',
        'We retry with backoff, but some events never come: {"event":"order.updated","attempt":5}',
        'The status page shows everything <green>.',
      ],
    ],
  ),
};
