import { type Language, topics } from './language.ts';

export const german: Language = {
  code: 'de',
  names: [
    'Katharina Vogel',
    'Jürgen Weiß',
    'Sören Petersen',
    'Annemarie Schäfer',
    'Björn Kröger',
    'Lena Hofstätter',
    'Uwe Bäumler',
    'Miriam Yıldız',
  ],
  cities: ['Köln', 'München', 'Zürich', 'Graz', 'Lüneburg', 'Dresden'],
  greetings: ['Guten Tag,', 'Sehr geehrte Damen und Herren,', 'Hallo zusammen,', 'Moin,'],
  closings: [
    'Mit freundlichen Grüßen\n{n}',
    'Viele Grüße aus {c}\n{n}',
    'Danke im Voraus!\n{n}',
    'Beste Grüße\n{n}',
  ],
  asides: [
    'Ich bin seit Jahren Kunde und war bisher sehr zufrieden.',
    'Die Schritte aus Ihrem Hilfebereich habe ich schon ausprobiert, leider ohne Erfolg.',
    'Eine Kollegin in {c} hat genau dasselbe Problem.',
    'Können Sie mir sagen, wie lange das üblicherweise dauert?',
    'Auf dem Bildschirmfoto steht unten „Bitte wenden Sie sich an den Support“.',
    'Das ist meine dritte Nachricht zu Bestellung {o}.',
    'Bitte rufen Sie mich nicht an, schreiben Sie mir lieber.',
    'Meine Anfrage vom {d} wurde als gelöst markiert, ist es aber nicht.',
    'Bis zum {d} lief alles, und wir haben nichts geändert.',
    'Falls Sie die Protokolldatei brauchen, schicke ich sie gern nach.',
  ],
  topics: topics(
    [
      [
        'Rückerstattung für Bestellung {o} fehlt',
        'Wo bleibt mein Geld?',
        'Erstattung über {a} nicht erhalten',
      ],
      [
        'ich habe das {p} aus Bestellung {o} am {d} zurückgeschickt und warte auf die Erstattung von {a}.',
        'Sie haben mir die Rückerstattung bestätigt, auf meinem Konto ist nichts angekommen.',
      ],
      [
        'Laut Sendungsverfolgung liegt das Paket in Ihrem Lager in {c}.',
        'Auf dem Kontoauszug steht nur die Abbuchung von {a}.',
        'Bitte bestätigen Sie mir schriftlich, wann überwiesen wird.',
      ],
    ],
    [
      ['Bestellung {o} nicht angekommen', 'Lieferung verspätet sich', 'Paket nach {c} verschollen?'],
      [
        'meine Bestellung {o} sollte am {d} geliefert werden, ich warte immer noch.',
        'laut Zusteller liegt das Paket mit dem {p} beim Nachbarn, dort ist es aber nicht.',
      ],
      [
        'Die Sendungsverfolgung steht seit sechs Tagen still.',
        'Ich brauche das {p} vor dem Wochenende.',
        'Können Sie Ersatz per Express nach {c} schicken?',
      ],
    ],
    [
      [
        'Anmeldung seit heute früh nicht möglich',
        'Keine E-Mail zum Zurücksetzen des Passworts',
        'Konto gesperrt',
      ],
      [
        'seit dem {d} kann ich mich nicht mehr anmelden.',
        'ich habe viermal ein neues Passwort angefordert, es kommt keine E-Mail.',
      ],
      [
        'Die Seite meldet „Sitzung ungültig“ und springt zum Anfang zurück.',
        'Die Codes der Zwei-Faktor-Anmeldung werden abgelehnt.',
        'Bei den Kollegen funktioniert es.',
      ],
    ],
    [
      [
        'Rechnung zu Bestellung {o} mit falschem Betrag',
        'Korrigierte Rechnung benötigt',
        'USt-IdNr. fehlt auf der Rechnung',
      ],
      [
        'die Rechnung zu Bestellung {o} lautet auf {a}, vereinbart war weniger.',
        'unsere Buchhaltung kann Ihre Rechnung nicht buchen, die USt-IdNr. fehlt.',
      ],
      [
        'Die Rechnungsadresse ist unser Büro in {c}.',
        'Bitte schicken Sie die korrigierte Rechnung als PDF.',
        'Am {d} ist Quartalsabschluss.',
      ],
    ],
    [
      [
        '{p}-App stürzt beim Öffnen der Einstellungen ab',
        'App schließt sich nach dem Update',
        'Weißer Bildschirm nach Aktualisierung',
      ],
      [
        'seit dem Update vom {d} stürzt die App ab, sobald ich die Einstellungen öffne.',
        'die App meines {p} zeigt einen weißen Bildschirm und schließt sich.',
      ],
      [
        'Neu installiert habe ich sie schon zweimal.',
        'Der Fehlerbericht hat die Nummer {o}.',
        'Es passiert im WLAN und mobil.',
      ],
    ],
    [
      ['{p} beschädigt angekommen', 'Defekt bei Lieferung: Bestellung {o}', 'Kratzer auf neuem {p}'],
      [
        'das {p} aus Bestellung {o} kam beschädigt an, der Karton war eingedrückt.',
        'beim Auspacken habe ich Kratzer auf dem Bildschirm entdeckt.',
      ],
      [
        'Fotos hängen an; die Verpackung war unten offen.',
        'Ich möchte Ersatz, keinen Gutschein.',
        'Auch der Zusteller hat ein Foto gemacht.',
      ],
    ],
    [
      ['Kündigung meines Abonnements', 'Bestellung {o} stornieren', 'Wie beende ich meinen Tarif?'],
      [
        'hiermit kündige ich mein Abonnement zum Monatsende.',
        'bitte stornieren Sie Bestellung {o}, sie ist noch nicht verschickt.',
      ],
      [
        'Trotz Kündigung am {d} wurden wieder {a} abgebucht.',
        'Der Knopf zum Kündigen tut nichts.',
        'Bitte bestätigen Sie die Kündigung per E-Mail.',
      ],
    ],
    [
      [
        'Schnittstelle antwortet seit {d} mit 502',
        'Signatur des Webhooks stimmt nicht',
        'Abfragelimit niedriger als dokumentiert',
      ],
      [
        'unsere Anbindung bekommt seit dem {d} auf jede zwanzigste Anfrage einen Fehler 502.',
        'der Webhook kommt mit einer Signatur an, die sich nicht prüfen lässt.',
      ],
      [
        'Ein Beispiel ist die Anfrage {o}.',
        'Wir wiederholen mit wachsendem Abstand, trotzdem fehlen Ereignisse.',
        'Die Statusseite zeigt überall Grün.',
      ],
    ],
  ),
};
